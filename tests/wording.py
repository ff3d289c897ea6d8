"""Our own wording of the fixed lines, as the agent of the default knobs says them."""

from server.hebrew.understand.gender import Gender
from server.settings.prompts_file import lines_of

OURS = lines_of("", Gender.FEMININE)
