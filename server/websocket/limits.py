"""What a peer of a telephone call may send, and how long it may take nothing."""

MAX_MESSAGE_BYTES = 65536  # of all its fragments together
# A peer that takes nothing any more while we send: the kernel gives up, and with it every blocked send.
UNACKNOWLEDGED_MS = 5000
# A call's audio is some 25,000 a second; behind a network that was away for ten seconds comes what it kept.
BYTES_PER_S, BYTES_AT_ONCE = 64 * 1024, 512 * 1024
# What is no whole message: pings, pongs, fragments. A call needs a ping in 25 s; what is answered and thrown
# away here is counted nowhere else.
OTHERS_PER_S, OTHERS_AT_ONCE = 100, 1000
PING_INTERVAL_S = 25.0  # the peer owes its pong before the next
CLOSING_S = 0.3  # for the peer to take our close, and to answer it
