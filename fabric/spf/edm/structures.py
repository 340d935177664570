"""Structured values without a key, and their members."""

from __future__ import annotations

from fabric.spf.edm.build import structure

TYPES = (
    structure(
        "UserRoleResource",
        Guid="Resource StampId",
        String="ResourceType",
    ),
    structure(
        "UserRoleScope",
        Guid="Scope StampId",
        String="ScopeType",
        Int32=(
            "MemberCPUCount MemberCustomQuotaCount MemberMemoryMB MemberStorageGB "
            "MemberVMCount RoleCPUCount RoleCustomQuotaCount RoleMemoryMB RoleStorageGB "
            "RoleVMCount"
        ),
    ),
    structure(
        "UserRoleCloudResourceExtension",
        Guid="StampId",
        String="Name Publisher ResourceType Version",
    ),
    structure(
        "UserRoleCloudPermission",
        Guid="CloudId StampId",
        lists="EffectivePermission:String ExplicitPermission:String",
    ),
    structure(
        "UserRolePermission",
        Guid="StampId",
        lists="Permission:String",
    ),
    structure(
        "UserRoleCloudPermissionInput",
        Guid="CloudId StampId",
        lists="ExplicitPermission:String",
    ),
    structure(
        "UserRoleDataPath",
        Guid="StampId",
        String="DataPath",
    ),
    structure(
        "VMNetworkQuota",
        Guid="StampId",
        Boolean=(
            "RemoveNATConnectionMaximum RemoveNATConnectionMaximumPerUser "
            "RemoveVMNetworkMaximum RemoveVMNetworkMaximumPerUser "
            "RemoveVMNetworkVPNMaximumBandwidthIn RemoveVMNetworkVPNMaximumBandwidthOut "
            "RemoveVPNConnectionMaximum RemoveVPNConnectionMaximumPerUser"
        ),
        Int32=(
            "NATConnectionMaximum NATConnectionMaximumPerUser VMNetworkMaximum "
            "VMNetworkMaximumPerUser VPNConnectionMaximum VPNConnectionMaximumPerUser"
        ),
        Decimal="VMNetworkVPNMaximumBandwidthInKbps VMNetworkVPNMaximumBandwidthOutKbps",
    ),
    structure(
        "VMNetworkAssignment",
        Guid="VirtualNetworkAdapterID",
        String="VMNetworkName",
    ),
    structure(
        "VPNVMNetworkGateway",
        Guid="RunAsAccountID",
        String=(
            "AuthenticationMethod CertificateFilePath TargetVPNIPv4Address TargetVPNIPv6Address"
        ),
        Boolean="AutoSelectCertificate",
    ),
    structure(
        "OperatingSystem",
        String="Architecture Description Edition Name OSType ProductType Version",
    ),
    structure(
        "UserAndRole",
        Guid="RoleID",
        String="RoleName UserName",
    ),
    structure(
        "ErrorInfo",
        String=(
            "CloudProblem Code DetailedErrorCode DetailedSource ErrorCodeString ErrorType "
            "ExceptionDetails MessageParameters MomAlertSeverity Problem RecommendedAction "
            "RecommendedActionCLI"
        ),
        Boolean=(
            "IsConditionallyTerminating IsDeploymentBlocker IsMomAlert IsSuccess "
            "IsTerminating ShowDetailedError"
        ),
        Int32="DetailedCode",
        Int64="DisplayableErrorCode",
    ),
    structure(
        "NewVMVirtualNetworkAdapterInput",
        Guid="VMNetworkId",
        String=(
            "IPv4Address IPv4AddressType IPv6AddressType MACAddress MACAddressType VMNetworkName "
            "VMSubnetName"
        ),
        Boolean="VLanEnabled",
        Int16="VLanId",
    ),
    structure(
        "JobDescription",
        String="Code DescriptionCodeString Name",
        Boolean="CanSkipLastFailedStep IsRestartable IsStoppable RequiresCredentialsForRestart",
    ),
    structure(
        "ServiceSetting",
        String="Description GlobalSettingType Name Value",
        Boolean="HasEncryptedValue IsSecure Mandatory",
    ),
    structure(
        "CustomProperty",
        String="Name Value",
    ),
    structure(
        "NewServiceDeployment",
        complex="ServiceConfiguration:ServiceDeploymentConfiguration",
        lists="TierConfigurations:ServiceTierAndVMConfiguration",
    ),
    structure(
        "ServiceDeploymentConfiguration",
        String="CostCenter Description Name Priority Tag",
        lists="ServiceSettings:ServiceSettingsInput",
    ),
    structure(
        "ServiceSettingsInput",
        String="Description Name Value",
        Boolean="IsEncrypted IsRequired",
    ),
    structure(
        "ServiceTierAndVMConfiguration",
        String="Name",
        lists="VMConfigurations:VMConfiguration",
    ),
    structure(
        "VMConfiguration",
        String="ComputerName CostCenter Description Tag VMName",
    ),
    structure(
        "ServicingWindow",
        String=(
            "Category DayOfMonth Description MonthlyScheduleDayOfWeek Name Owner "
            "ScheduleType StartTimeOfDay WeeklyScheduleDayOfWeek WeekOfMonth"
        ),
        Int32="DaysToRecur MinutesDuration MonthsToRecur TimeZone WeeksToRecur",
        DateTime="StartDate",
    ),
    structure(
        "VMRoleResourceDefinition",
        namespace="MicrosoftCompute",
        String="Name Publisher SchemaVersion Type Version",
        complex="IntrinsicSettings:IntrinsicSettings",
        lists=(
            "ResourceExtensionReferences:ResourceExtensionReference "
            "ResourceParameters:ResourceParameter"
        ),
    ),
    structure(
        "ResourceParameter",
        namespace="MicrosoftCompute",
        String="Description Name Type",
    ),
    structure(
        "ResourceExtensionReference",
        namespace="MicrosoftCompute",
        String="Name Publisher ReferenceName ResourceExtensionParameterValues Version",
    ),
    structure(
        "IntrinsicSettings",
        namespace="MicrosoftCompute",
        complex=(
            "HardwareProfile:ResDefHardwareProfile NetworkProfile:NetworkProfile "
            "OperatingSystemProfile:OSProfile ScaleOutSettings:ScaleOutSetting "
            "StorageProfile:StorageProfile"
        ),
    ),
    structure(
        "ScaleOutSetting",
        namespace="MicrosoftCompute",
        String="InitialInstanceCount MaximumInstanceCount MinimumInstanceCount UpgradeDomainCount",
    ),
    structure(
        "ResDefHardwareProfile",
        namespace="MicrosoftCompute",
        String="VMSize",
    ),
    structure(
        "StorageProfile",
        namespace="MicrosoftCompute",
        String="OSVirtualHardDiskImage",
        lists="DataVirtualHardDisks:DataVirtualHardDisk",
    ),
    structure(
        "DataVirtualHardDisk",
        namespace="MicrosoftCompute",
        String="DataVirtualHardDiskImage Lun",
    ),
    structure(
        "OSProfile",
        namespace="MicrosoftCompute",
        String="AdminCredential ComputerNamePattern TimeZone",
        complex=(
            "LinuxOperatingSystemProfile:LinuxOperatingSystemProfile "
            "WindowsOperatingSystemProfile:WindowsOperatingSystemProfile"
        ),
    ),
    structure(
        "WindowsOperatingSystemProfile",
        namespace="MicrosoftCompute",
        String="WorkgroupName",
        complex="DomainJoin:DomainJoin",
    ),
    structure(
        "DomainJoin",
        namespace="MicrosoftCompute",
        String="DomainJoinCredentials DomainToJoin",
    ),
    structure(
        "LinuxOperatingSystemProfile",
        namespace="MicrosoftCompute",
        String="DNSDomainName SSHPublicKey",
    ),
    structure(
        "NetworkProfile",
        namespace="MicrosoftCompute",
        lists="NetworkAdapters:NetworkAdapter",
    ),
    structure(
        "NetworkAdapter",
        namespace="MicrosoftCompute",
        String="Name NetworkRef",
        lists="IPAddresses:IPAddress",
    ),
    structure(
        "IPAddress",
        namespace="MicrosoftCompute",
        String="AllocationMethod ConfigurationName Type",
        lists="LoadBalancerConfigurations:LoadBalancerConfiguration",
    ),
    structure(
        "LoadBalancerConfiguration",
        namespace="MicrosoftCompute",
        String="ConfigurationName FrontEndNetwork",
        complex="PortConfig:PortConfiguration Probe:Probe",
    ),
    structure(
        "PortConfiguration",
        namespace="MicrosoftCompute",
        String="BackEndPort FrontEndPort Name Protocol",
    ),
    structure(
        "Probe",
        namespace="MicrosoftCompute",
        String="MaxRetryCount Port ProbeIntervalInSeconds Protocol RequestPath",
    ),
    structure(
        "ResourceConfiguration",
        namespace="MicrosoftCompute",
        String="ParameterValues Version",
    ),
    structure(
        "Substate",
        namespace="MicrosoftCompute",
        lists="VMRoleMessages:VMRoleMessage",
    ),
    structure(
        "VMRoleMessage",
        namespace="MicrosoftCompute",
        Guid="VMId",
        String="Message MessageQualifier",
    ),
    structure(
        "InstanceView",
        namespace="MicrosoftCompute",
        Int64="InstanceCount",
        complex="ResolvedResourceDefinition:VMRoleResourceDefinition",
        lists="VIPs:VMRoleVIP",
    ),
    structure(
        "VMRoleVIP",
        namespace="MicrosoftCompute",
        String="LoadbalancerConfigurationName NetworkAdapterName VIP",
    ),
    structure(
        "ConnectToAddress",
        namespace="MicrosoftCompute",
        String="IPAddress NetworkName",
        Int32="Port",
    ),
)
