# In seconds since 1970, and another day.
su - -c "date -s @990000000"
