"""The support lane: troubleshooting, tickets, returns, escalation, satisfaction."""
