-- Whether each text can be a time or a number of a call in some form, or stands for a missing value; `told` holds the
-- texts (said).
SELECT bool_and(NOT (unread(said, utc_of(said)) AND unread(said, whole_of(said)) AND unread(said, usd_of(said))))
    AS readable
FROM told
