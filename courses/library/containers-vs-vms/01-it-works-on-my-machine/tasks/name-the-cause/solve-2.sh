# In sentences, in the other order.
cat > /home/learner/why.txt <<'WHY'
production thinks in German numbers (locale de_DE instead of en_GB)
library Humanize: 4.12.3 on laptop, 3.14.0 on production
WHY
