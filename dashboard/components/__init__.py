"""What is drawn: one folder a thing, each with its Python, .js and .css; `shared` is what they have in common."""
