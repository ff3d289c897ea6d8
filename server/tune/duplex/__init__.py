"""Turn-taking as published scores count it, on one call's time line. Pure; ``bench/duplex`` uses it too."""
