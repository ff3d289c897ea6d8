"""What a man says and sounds like, where AGENT_GENDER=masculine and the knob is not set."""

MASCULINE = {
    "agent_persona": 'איתי, נציג אדיב של משרד תיווך נדל"ן',
    "google_tts_voice": "he-IL-Wavenet-B",
    "openai_tts_voice": "cedar",
    "soniox_tts_voice": "Adrian",
    "thinking_text_he": "שנייה… בודק",
}
