"""LiveKit as an outside service: the only folder of this app that imports its SDK."""
