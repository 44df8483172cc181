"""Activation: a student proves who they are, sets a password and enrols a second factor. `identity`, `situation`,
`possession`, `passwords` and `factors` know nothing of the web; `views` and what they use does."""
