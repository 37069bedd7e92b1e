"""One file per neighbour, as this service needs it; the model is one of them."""
