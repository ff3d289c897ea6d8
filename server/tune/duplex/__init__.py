"""Turn-taking as published scores count it, on a time line of one call. Pure; ``bench/duplex`` uses it too."""
