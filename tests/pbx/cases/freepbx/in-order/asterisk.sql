-- MariaDB dump 10.19
--
-- Host: localhost    Database: asterisk

/*!40101 SET NAMES utf8mb4 */;

--
-- Table structure for table `devices`
--

DROP TABLE IF EXISTS `devices`;
CREATE TABLE `devices` (
  `id` varchar(190) NOT NULL DEFAULT '',
  `tech` varchar(190) NOT NULL DEFAULT '',
  `dial` varchar(190) NOT NULL DEFAULT '',
  `devicetype` varchar(190) NOT NULL DEFAULT '',
  `user` varchar(190) NOT NULL DEFAULT '',
  `description` varchar(190) NOT NULL DEFAULT '',
  `emergency_cid` varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `devices` WRITE;
INSERT INTO `devices` VALUES
('2001','pjsip','PJSIP/2001','fixed','2001','Front desk; it\'s \"busy\"',NULL);
UNLOCK TABLES;

--
-- Table structure for table `incoming`
--

DROP TABLE IF EXISTS `incoming`;
CREATE TABLE `incoming` (
  `cidnum` varchar(190) NOT NULL DEFAULT '',
  `extension` varchar(190) NOT NULL DEFAULT '',
  `destination` varchar(190) NOT NULL DEFAULT '',
  `privacyman` varchar(190) NOT NULL DEFAULT '',
  `alertinfo` varchar(190) NOT NULL DEFAULT '',
  `ringing` varchar(190) NOT NULL DEFAULT '',
  `mohclass` varchar(190) NOT NULL DEFAULT '',
  `description` varchar(190) NOT NULL DEFAULT '',
  `grppre` varchar(190) NOT NULL DEFAULT '',
  `delay_answer` varchar(190) NOT NULL DEFAULT '',
  `pricid` varchar(190) NOT NULL DEFAULT '',
  `pmmaxretries` varchar(190) NOT NULL DEFAULT '',
  `pmminlength` varchar(190) NOT NULL DEFAULT '',
  `reversal` varchar(190) NOT NULL DEFAULT '',
  `rvolume` varchar(190) NOT NULL DEFAULT '',
  `fanswer` varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (`cidnum`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `incoming` WRITE;
INSERT INTO `incoming` VALUES
('','12065550100','from-did-direct,2001,1','0','','','default','Main','','0','','3','10','','0',''),
('','12065550101','from-did-direct,2001,1','0','','','default','Fax','','0','','3','10','','0',''),
('','_1206555012X','from-did-direct,2001,1','0','','','default','Block','','0','','3','10','','0','');
UNLOCK TABLES;

--
-- Table structure for table `kvstore_Sipsettings`
--

DROP TABLE IF EXISTS `kvstore_Sipsettings`;
CREATE TABLE `kvstore_Sipsettings` (
  `key` varchar(190) NOT NULL DEFAULT '',
  `val` varchar(190) NOT NULL DEFAULT '',
  `type` varchar(190) NOT NULL DEFAULT '',
  `id` varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (`key`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `kvstore_Sipsettings` WRITE;
INSERT INTO `kvstore_Sipsettings` VALUES
('externip','198.51.100.11','','noid'),
('localnets','[{\"net\":\"192.168.10.0\",\"mask\":\"24\"},{\"net\":\"10.8.0.0\",\"mask\":\"16\"}]','json-arr','noid'),
('binds','{\"udp\":{\"0.0.0.0\":\"on\"}}','json-arr','noid');
UNLOCK TABLES;

--
-- Table structure for table `outbound_route_patterns`
--

DROP TABLE IF EXISTS `outbound_route_patterns`;
CREATE TABLE `outbound_route_patterns` (
  `route_id` varchar(190) NOT NULL DEFAULT '',
  `match_pattern_prefix` varchar(190) NOT NULL DEFAULT '',
  `match_pattern_pass` varchar(190) NOT NULL DEFAULT '',
  `match_cid` varchar(190) NOT NULL DEFAULT '',
  `prepend_digits` varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (`route_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `outbound_route_patterns` WRITE;
INSERT INTO `outbound_route_patterns` VALUES
(1,'','1NXXNXXXXXX','',''),
(1,'','NXXNXXXXXX','','1'),
(2,'','011.','','');
UNLOCK TABLES;

--
-- Table structure for table `outbound_route_sequence`
--

DROP TABLE IF EXISTS `outbound_route_sequence`;
CREATE TABLE `outbound_route_sequence` (
  `route_id` varchar(190) NOT NULL DEFAULT '',
  `seq` varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (`route_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `outbound_route_sequence` WRITE;
INSERT INTO `outbound_route_sequence` VALUES
(2,1),
(1,0);
UNLOCK TABLES;

--
-- Table structure for table `outbound_route_trunks`
--

DROP TABLE IF EXISTS `outbound_route_trunks`;
CREATE TABLE `outbound_route_trunks` (
  `route_id` varchar(190) NOT NULL DEFAULT '',
  `trunk_id` varchar(190) NOT NULL DEFAULT '',
  `seq` varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (`route_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `outbound_route_trunks` WRITE;
INSERT INTO `outbound_route_trunks` VALUES
(1,2,1),
(1,1,0),
(2,1,0);
UNLOCK TABLES;

--
-- Table structure for table `outbound_routes`
--

DROP TABLE IF EXISTS `outbound_routes`;
CREATE TABLE `outbound_routes` (
  `route_id` varchar(190) NOT NULL DEFAULT '',
  `name` varchar(190) NOT NULL DEFAULT '',
  `outcid` varchar(190) NOT NULL DEFAULT '',
  `outcid_mode` varchar(190) NOT NULL DEFAULT '',
  `password` varchar(190) NOT NULL DEFAULT '',
  `emergency_route` varchar(190) NOT NULL DEFAULT '',
  `intracompany_route` varchar(190) NOT NULL DEFAULT '',
  `mohclass` varchar(190) NOT NULL DEFAULT '',
  `time_group_id` varchar(190) NOT NULL DEFAULT '',
  `dest` varchar(190) NOT NULL DEFAULT '',
  `time_mode` varchar(190) NOT NULL DEFAULT '',
  `calendar_id` varchar(190) NOT NULL DEFAULT '',
  `calendar_group_id` varchar(190) NOT NULL DEFAULT '',
  `timezone` varchar(190) NOT NULL DEFAULT '',
  `notification_on` varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (`route_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `outbound_routes` WRITE;
INSERT INTO `outbound_routes` VALUES
(1,'nanp','','','','','','default',NULL,'','','','','','0'),
(2,'abroad','','','','','','default',NULL,'','','','','','0');
UNLOCK TABLES;

--
-- Table structure for table `pjsip`
--

DROP TABLE IF EXISTS `pjsip`;
CREATE TABLE `pjsip` (
  `id` varchar(190) NOT NULL DEFAULT '',
  `keyword` varchar(190) NOT NULL DEFAULT '',
  `data` varchar(190) NOT NULL DEFAULT '',
  `flags` varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `pjsip` WRITE;
INSERT INTO `pjsip` VALUES
('1','sip_server','us-west-or.sip.flowroute.com',0),
('1','sip_server_port','5060',0),
('1','context','from-pstn',0),
('1','authentication','none',0),
('1','registration','none',0),
('1','transport','0.0.0.0-udp',0),
('1','match','34.210.91.112/28,34.226.36.32/28',0),
('1','username','',0),
('1','secret','',0),
('1','trunk_name','flowroute',0),
('1','qualify_frequency','60',0),
('2','sip_server','us-east-va.sip.flowroute.com',0),
('2','sip_server_port','5060',0),
('2','context','from-pstn',0),
('2','authentication','none',0),
('2','registration','none',0),
('2','transport','0.0.0.0-udp',0),
('2','match','34.210.91.112/28,34.226.36.32/28',0),
('2','username','',0),
('2','secret','',0),
('2','trunk_name','flowroute-2',0),
('2001','secret','made-up-for-2001',0),
('2001','context','from-internal',0);
UNLOCK TABLES;

--
-- Table structure for table `trunk_dialpatterns`
--

DROP TABLE IF EXISTS `trunk_dialpatterns`;
CREATE TABLE `trunk_dialpatterns` (
  `trunkid` varchar(190) NOT NULL DEFAULT '',
  `match_pattern_prefix` varchar(190) NOT NULL DEFAULT '',
  `match_pattern_pass` varchar(190) NOT NULL DEFAULT '',
  `prepend_digits` varchar(190) NOT NULL DEFAULT '',
  `seq` varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (`trunkid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `trunk_dialpatterns` WRITE;
INSERT INTO `trunk_dialpatterns` VALUES
(1,'','NXXNXXXXXX','12345678*1',0),
(1,'','1NXXNXXXXXX','12345678*',1),
(1,'011','.','12345678*',2),
(2,'','NXXNXXXXXX','12345678*1',0),
(2,'','1NXXNXXXXXX','12345678*',1),
(2,'011','.','12345678*',2);
UNLOCK TABLES;

--
-- Table structure for table `trunks`
--

DROP TABLE IF EXISTS `trunks`;
CREATE TABLE `trunks` (
  `trunkid` varchar(190) NOT NULL DEFAULT '',
  `tech` varchar(190) NOT NULL DEFAULT '',
  `channelid` varchar(190) NOT NULL DEFAULT '',
  `name` varchar(190) NOT NULL DEFAULT '',
  `outcid` varchar(190) NOT NULL DEFAULT '',
  `keepcid` varchar(190) NOT NULL DEFAULT '',
  `maxchans` varchar(190) NOT NULL DEFAULT '',
  `failscript` varchar(190) NOT NULL DEFAULT '',
  `dialoutprefix` varchar(190) NOT NULL DEFAULT '',
  `usercontext` varchar(190) NOT NULL DEFAULT '',
  `provider` varchar(190) NOT NULL DEFAULT '',
  `disabled` varchar(190) NOT NULL DEFAULT '',
  `continue` varchar(190) NOT NULL DEFAULT '',
  `routedisplay` varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (`trunkid`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `trunks` WRITE;
INSERT INTO `trunks` VALUES
(1,'pjsip','flowroute','flowroute','','off','20','','','','','off','off','on'),
(2,'pjsip','flowroute-2','flowroute-2','','off','20','','','','','off','off','on'),
(3,'pjsip','old','old','','off','20','','','','','on','off','on');
UNLOCK TABLES;
