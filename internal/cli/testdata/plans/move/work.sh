#!/bin/sh
# What the steps of the test plan run: it says what it was asked, and does as the files beside it say.
echo "$1 for $SKIFT_RUN"
