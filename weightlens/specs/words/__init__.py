"""Layer classes and their settings in words, for somebody who has not heard of them."""
