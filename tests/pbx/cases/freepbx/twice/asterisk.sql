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
('externip','198.51.100.30','','noid'),
('localnets','[]','json-arr','noid'),
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
(7,'','1NXXNXXXXXX','','12345678*'),
(7,'','NXXNXXXXXX','','12345678*1');
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
(7,0);
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
(7,1,0);
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
(7,'everything','','','','','','default',NULL,'','','','','','0');
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
('1','context','from-pstn',0),
('1','authentication','none',0),
('1','registration','none',0),
('1','match','',0);
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
(1,'pjsip','Flowroute','Flowroute','','off','20','','12345678*','','','off','off','on');
UNLOCK TABLES;
