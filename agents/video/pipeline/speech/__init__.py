"""From narration to sound with exact times: phrases, voices, the track and its captions."""
