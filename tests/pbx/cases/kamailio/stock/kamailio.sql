--
-- PostgreSQL database dump
--
COPY public.address (id, grp, ip_addr, mask, port, tag) FROM stdin;
1	1	34.226.36.32	28	0	flowroute
\.
COPY public.version (table_name, table_version) FROM stdin;
address	6
\.
