"""Networks, subnets, pools, gateways and the rules of gateways. 2012 R2 generation."""

from __future__ import annotations

from fabric.spf.edm.build import declare

SETS = (
    declare(
        "LogicalNetworks",
        "LogicalNetwork",
        key="ID StampId",
        Guid="CloudId ID StampId",
        String="Description Name",
        Boolean="NetworkVirtualizationEnabled",
    ),
    declare(
        "VMNetworks",
        "VMNetwork",
        key="ID StampId",
        Guid="ID LogicalNetworkId MostRecentTaskId PROTipID RoutingDomainId StampId",
        String=(
            "CAIPAddressPoolType Description ExternalName IsolationType LogicalNetworkName "
            "Name PAIPAddressPoolType"
        ),
        Boolean="AutoCreateSubnet Enabled IsAssigned",
        DateTime="AddedTime ModifiedTime",
        complex="Owner:UserAndRole VPNGateway:VPNVMNetworkGateway",
        lists="GrantedToList:UserAndRole",
        navs="MostRecentTask>Jobs VMNetworkGateways>>VMNetworkGateways",
    ),
    declare(
        "VMSubnets",
        "VMSubnet",
        key="ID StampId",
        Guid="ID StampId VMNetworkId",
        String="Name Subnet VMNetworkName",
    ),
    declare(
        "StaticIPAddressPools",
        "StaticIPAddressPool",
        key="ID StampId",
        Guid="ExternalId ID LogicalNetworkDefinitionId StampId VMSubnetId",
        String=(
            "AddressFamily Description DNSSuffix IPAddressRangeEnd IPAddressRangeStart "
            "IPAddressReservedSet Name NetworkEntityAccessType Subnet VIPAddressSet"
        ),
        Boolean="EnableNetBIOS IsFullyCached IsIPv4 IsMulticastPool IsViewOnly MarkedForDeletion",
        Int32="VLanID",
        Decimal=(
            "AvailableAddresses AvailableDIPAddresses AvailableVIPAddresses "
            "ReservedAddresses TotalAddresses TotalDIPAddresses TotalVIPAddresses "
            "UnassignedAddresses UnassignedDIPAddresses UnassignedVIPAddresses"
        ),
        DateTime="ExternalSyncTime",
        lists=(
            "DefaultGatewayIPAddresses:String DNSSearchSuffixes:String DNSServers:String "
            "WINSServers:String"
        ),
    ),
    declare(
        "VMNetworkGateways",
        "VMNetworkGateway",
        key="ID StampId",
        Guid="ID StampId VMNetworkId",
        String="Description Name",
        Boolean="EnableBGP RequiresNAT RequiresVPN",
        Int64="AutonomousSystemNumber",
        lists="IPSubnets:String",
        navs="BGPPeers>>BGPPeers NATConnections>>NATConnections VPNConnections>>VPNConnections",
    ),
    declare(
        "NATConnections",
        "NATConnection",
        key="ID StampId",
        Guid="ID StampId VMNetworkGatewayId",
        String="Description Name Status",
        Decimal="MaximumBandwidthInboundKbps MaximumBandwidthOutboundKbps",
        navs="Rules>>NATRules",
    ),
    declare(
        "NATRules",
        "NATRule",
        key="ID StampId",
        Guid="ID NATConnectionId StampId",
        String="ExternalIPAddress InternalIPAddress Name Protocol",
        Int32="ExternalPort InternalPort",
    ),
    declare(
        "VPNConnections",
        "VPNConnection",
        key="ID StampId",
        Guid="ID RunAsAccountId StampId VMNetworkGatewayId",
        String=(
            "AuthenticationMethod Description LastConnectionError Name Status "
            "TargetVPNIPv4Address TargetVPNIPv6Address"
        ),
        Int64="LastConnectionErrorCode",
        Decimal="MaximumBandwidthInboundKbps MaximumBandwidthOutboundKbps",
        DateTime="LastRead",
        lists="CloudVPNIPAddresses:String",
        navs="NetworkRoutes>>VPNNetworkRoutes",
    ),
    declare(
        "VPNNetworkRoutes",
        "VPNNetworkRoute",
        key="ID StampId",
        Guid="ID StampId VPNConnectionId",
        String="IPSubnet",
    ),
    declare(
        "BGPPeers",
        "BGPPeer",
        key="ID StampId",
        Guid="ID StampId VMNetworkGatewayId",
        String="Description Name PeerIPAddress",
        Int64="PeerASN",
    ),
)
