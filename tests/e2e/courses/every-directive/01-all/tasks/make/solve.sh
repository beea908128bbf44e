touch ~/made
