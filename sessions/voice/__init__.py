"""The live agents of this process: what ties `agents.voice` to conversations and their sockets.

Owns which agents run here, whose sound goes where, and that each end leaves its row in order. Only
consumers and commands use it; services know nothing of it. livekit is imported at the first agent.
"""
