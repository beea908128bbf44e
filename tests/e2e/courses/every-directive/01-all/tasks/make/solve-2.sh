: > ~/made
