"""FAQ matching: which original does a new question repeat? sklearn trains, numpy serves."""
