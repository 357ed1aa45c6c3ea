"""The one way out to addresses companies chose: vetted, signed elsewhere, answers cut short."""
