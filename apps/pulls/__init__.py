"""What is stored of pull requests: models, rows, and the store that writes them."""
