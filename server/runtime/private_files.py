"""The modes of files that hold callers' words and numbers: their owner's only."""

PRIVATE, PRIVATE_FOLDER = 0o600, 0o700
OTHERS = 0o077  # the bits of everybody else; as an umask, what no new file lets them do
