"""The program that shows and changes the parameters of running nodes."""
