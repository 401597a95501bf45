"""What is drawn: pictures of a model and of its run, and the HTML page that holds them."""
