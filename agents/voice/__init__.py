"""Spoken conversations: the AgentManager, its transports and speech engines.

The only package that imports livekit.agents. A web process without voice never imports this.
"""
