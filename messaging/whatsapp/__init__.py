"""The outside world of WhatsApp behind one Protocol: Meta's Cloud API, or the simulator."""
