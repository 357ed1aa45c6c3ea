"""Pages of messaging: the operators' inbox and the simulator."""
