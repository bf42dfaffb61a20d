-- MySQL dump
DROP TABLE IF EXISTS `address`;
CREATE TABLE `address` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `grp` int(11) unsigned NOT NULL DEFAULT 1,
  `ip_addr` varchar(50) NOT NULL,
  `mask` int(11) NOT NULL DEFAULT 32,
  `port` smallint(5) unsigned NOT NULL DEFAULT 0,
  `tag` varchar(64) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=4;
INSERT INTO `address` VALUES (1,4,'34.210.91.112',28,0,'flowroute, west'),(2,4,'34.226.36.32',28,0,'flowroute, east'),
(3,1,'10.9.1.0',24,0,NULL);
CREATE TABLE `dispatcher` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `setid` int(11) NOT NULL DEFAULT 0,
  `destination` varchar(192) NOT NULL DEFAULT '',
  `flags` int(11) NOT NULL DEFAULT 0,
  `priority` int(11) NOT NULL DEFAULT 0,
  `attrs` varchar(128) NOT NULL DEFAULT '',
  `description` varchar(64) NOT NULL DEFAULT '',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
INSERT INTO `dispatcher` VALUES
(1,4,'sip:us-west-or.sip.flowroute.com',0,20,'socket=udp:198.51.100.41:5060;weight=50','it\'s the first'),
(2,4,'sip:us-east-va.sip.flowroute.com',0,10,'socket=udp:198.51.100.41:5060',''),
(3,40,'sip:10.9.1.10:5060',0,0,'','the PBX');
INSERT INTO `version` VALUES ('dispatcher',4);
