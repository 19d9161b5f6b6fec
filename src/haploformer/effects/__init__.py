"""Effects of variants: how they agree with measured ones, and their sum as a linear model. Pure: arrays in, arrays out."""
