-- Whether each value of the table `texts` can be a time or a number of a call in some form, or stands for a missing value.
SELECT bool_and(NOT (unread(value, utc_of(value)) AND unread(value, whole_of(value)) AND unread(value, usd_of(value))))
    AS readable
FROM texts
