-- MariaDB dump 10.19
--
-- Host: localhost    Database: asterisk

/*!40101 SET NAMES utf8mb4 */;

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
('','13035550100','from-did-direct,2001,1','0','','','default','Main','','0','','3','10','','0','');
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
('externip','198.51.100.23','','noid'),
('localnets','[{\"net\":\"192.168.20.0\",\"mask\":\"24\"}]','json-arr','noid'),
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
(1,'9','1NXXNXXXXXX','',''),
(1,'9','NXXNXXXXXX','','1');
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
(1,4,0);
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
(1,'out','','','made-up-pin-4711','','','default',NULL,'','','','','','0');
UNLOCK TABLES;

--
-- Table structure for table `sip`
--

DROP TABLE IF EXISTS `sip`;
CREATE TABLE `sip` (
  `id` varchar(190) NOT NULL DEFAULT '',
  `keyword` varchar(190) NOT NULL DEFAULT '',
  `data` varchar(190) NOT NULL DEFAULT '',
  `flags` varchar(190) NOT NULL DEFAULT '',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `sip` WRITE;
INSERT INTO `sip` VALUES
('tr-peer-4','host','us-west-or.sip.flowroute.com',2),
('tr-peer-4','type','friend',3),
('tr-peer-4','insecure','port,invite',4),
('tr-peer-4','context','from-trunk',5),
('tr-peer-4','account','flowroute',6),
('2002','secret','made-up-for-2002',2);
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
(4,'sip','flowroute','Flowroute (old driver)','','off','20','','12345678*','','','off','off','on');
UNLOCK TABLES;
