"""What a publication says about answers: who may read them in a browser, their headers, how long they are kept."""
