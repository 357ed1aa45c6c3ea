"""What makes a video: an orchestrator, three agents, and the processes they run.

Dataclasses in, dataclasses out, callbacks for what happens on the way. Knows no row, no request
and no socket.
"""
