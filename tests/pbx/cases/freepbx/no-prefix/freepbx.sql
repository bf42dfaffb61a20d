-- An older dump, one INSERT a row.
CREATE TABLE IF NOT EXISTS `trunks` (
`trunkid` INTEGER NOT NULL,
`name` varchar(50) NOT NULL,
`tech` varchar(20) NOT NULL,
`dialoutprefix` varchar(255),
`channelid` varchar(255) NOT NULL,
`disabled` varchar(4),
PRIMARY KEY (`trunkid`,`tech`,`channelid`)
) DEFAULT CHARSET=latin1;

INSERT INTO `trunks` VALUES("1","Flow ""West""","pjsip","","flowroute","off");
INSERT INTO `trunks` VALUES("2","Phone line","zap","","g0","off");

INSERT INTO `pjsip` (`id`,`keyword`,`data`,`flags`) VALUES ("1","sip_server","us-west-or.sip.flowroute.com","0");
INSERT INTO `pjsip` (`id`,`keyword`,`data`,`flags`) VALUES ("1","registration","none","0");
INSERT INTO `pjsip` (`id`,`keyword`,`data`,`flags`) VALUES ("1","authentication","none","0");
REPLACE INTO `outbound_route_patterns` (`route_id`,`match_pattern_prefix`,`match_pattern_pass`,`match_cid`,`prepend_digits`) VALUES ("1","","NXXNXXXXXX","","");
INSERT IGNORE INTO `outbound_route_trunks` (`route_id`,`trunk_id`,`seq`) VALUES ("1","1","0");
INSERT INTO `sipsettings` (`keyword`,`data`,`seq`,`type`) VALUES ("externip_val","192.168.1.10","40","0"),("localnet_0","192.168.1.0","42","0");
