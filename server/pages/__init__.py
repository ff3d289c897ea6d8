"""Pages in the browser, for who runs the agent: behind one door, under the same headers."""
