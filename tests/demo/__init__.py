"""`make demo`: the main job from an empty machine to answers over HTTP. Standard library only."""
