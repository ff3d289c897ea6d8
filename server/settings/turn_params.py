"""The knobs of the conversation in frames: the one place where milliseconds become counts."""

from server.audio.endpointing import endpointing_params
from server.audio.frames import FRAMES_PER_S, ms_to_frames
from server.config import Config, own_lines
from server.turns.params import TurnParams


def dialogue_params(config: Config) -> TurnParams:
    """Raises LinesError when LINES_FILE cannot be used."""
    return TurnParams(
        endpointing=endpointing_params(
            min_utt_s=config.min_utt_sec,
            hangover_ms=config.vad_hangover_ms,
            max_utt_s=config.max_utt_sec,
            hold_ms=config.incomplete_hold_ms,
            adaptive_ms=config.adaptive_silence_ms,
            min_voiced_ms=config.min_voiced_ms,
            barge_in_frames=config.barge_in_voice_frames,
            energy_only=config.vad_engine == "energy",
        ),
        vad_rms=config.vad_rms,
        barge_in_rms=config.barge_in_rms or config.vad_rms * 3 // 2,
        barge_in=config.barge_in,
        early_stop=config.barge_in_early_stop or config.vad_engine == "energy",
        dips=config.barge_in_style == "dip",
        refractory_frames=ms_to_frames(config.reply_refractory_ms),
        greeting_protected=config.greeting_protected or config.event_log == "audio",
        greeting="" if config.twiml_play_greeting else config.opening,
        hint=config.thinking_text_he,
        hint_after_frames=ms_to_frames(config.thinking_hint_ms) if config.thinking_text_he.strip() else 0,
        dedup_frames=config.dedup_window_sec * FRAMES_PER_S,
        min_confidence=config.asr_min_confidence,
        history_turns=config.llm_history_turns,
        early_starts=config.speculative_max if config.speculative_turns else 0,
        idle_frames=round(config.idle_prompt_sec * FRAMES_PER_S),
        hold_frames=round(config.hold_sec * FRAMES_PER_S),
        idle_prompts=config.idle_max_prompts,
        call_frames=config.max_call_sec * FRAMES_PER_S,
        lines=own_lines(config),
    )
