"""Multi-tier services and VM roles: announced, because clients look for their sets."""

from __future__ import annotations

from fabric.spf.edm.build import declare

SETS = (
    declare(
        "ServiceTemplates",
        "ServiceTemplate",
        key="ID StampId",
        Guid="ID StampId",
        String=(
            "Accessibility Description Name Namespace Release ServicePriority ServiceTemplateState"
        ),
        Boolean="Enabled IsPublished NotificationsAvailable UseAsDefaultRelease UseAsPattern",
        DateTime="AddedTime ModifiedTime PublishedTime",
        complex="Owner:UserAndRole",
        lists=(
            "CustomProperty:CustomProperty GrantedToList:UserAndRole ServiceSettings:ServiceSetting"
        ),
        navs=(
            "ApplicationHostTemplates>>ApplicationHostTemplates "
            "ComputerTierTemplates>>ComputerTierTemplates"
        ),
    ),
    declare(
        "Services",
        "Service",
        key="ID StampId",
        Guid="CloudId FailedJobID ID ServiceTemplateId StampId",
        String=(
            "Accessibility CostCenter DeployedTo DeploymentState Description Name Operation "
            "OverallStatus PendingServiceTemplateRelease ServicePriority ServiceStatus "
            "ServiceTemplateRelease VMHostGroup"
        ),
        Boolean=(
            "AllVMsAccessible Enabled IgnorePlacementErrors InServicingMode "
            "NotificationsAvailable PendingServiceTemplatePresent"
        ),
        DateTime="AddedTime ModifiedTime",
        complex=(
            "NewServiceDeployment:NewServiceDeployment Owner:UserAndRole "
            "ServicingWindow:ServicingWindow"
        ),
        lists=(
            "CustomProperty:CustomProperty GrantedToList:UserAndRole "
            "PendingServiceSettings:ServiceSetting ServiceSettings:ServiceSetting"
        ),
        navs=(
            "ApplicationHosts>>ApplicationHosts Cloud>Clouds ComputerTiers>>ComputerTiers "
            "FailedJob>Jobs MostRecentTask>Jobs PendingServiceTemplate>ServiceTemplates "
            "ServiceTemplate>ServiceTemplates"
        ),
    ),
    declare(
        "ComputerTierTemplates",
        "ComputerTierTemplate",
        key="ID StampId",
        Guid="ID ServiceTemplateId StampId",
        String="Accessibility Description Name Tag",
        Boolean="BlockAutomaticMigration Enabled",
        Int32=(
            "DefaultInstanceCount DeploymentOrder InstanceMaximumCount InstanceMinimumCount "
            "NumberOfUpgradeDomains ServicingOrder"
        ),
        DateTime="AddedTime ModifiedTime",
        navs="VMTemplate>VMTemplates",
    ),
    declare(
        "ComputerTiers",
        "ComputerTier",
        key="ID StampId",
        Guid="FailedJobID ID ServiceId StampId TierTemplateId",
        String=(
            "Accessibility ComputerTierStatus DeploymentState Description Name "
            "OverallStatus ServicingType"
        ),
        Boolean="AllVMsAccessible Enabled",
        Int32="InstanceMaximumCount InstanceMinimumCount",
        DateTime="AddedTime ModifiedTime",
        lists="CustomProperty:CustomProperty",
        navs="ComputerTierTemplate>ComputerTierTemplates MostRecentTask>Jobs VMs>>VirtualMachines",
    ),
    declare(
        "ApplicationHosts",
        "ApplicationHost",
        key="ID StampId",
        Guid="FailedJobID ID ServiceId StampId",
        String="ComputerName DeploymentState Description Name Owner",
        DateTime="AddedTime ModifiedTime",
        navs="ApplicationHostTemplate>ApplicationHostTemplates",
    ),
    declare(
        "ApplicationHostTemplates",
        "ApplicationHostTemplate",
        key="ID StampId",
        Guid="FailedJobID ID ServiceTemplateId StampId",
        String="ComputerName Description Name Tag",
        Int32="DeploymentOrder ServicingOrder",
        DateTime="AddedTime ModifiedTime",
    ),
    declare(
        "VMRoleSizeProfiles",
        "VMRoleSizeProfile",
        key="Name StampId",
        Guid="StampId",
        String="Name",
        Int64="CpuCount MemoryInMB",
    ),
    declare(
        "CloudServices",
        "CloudService",
        key="Name",
        namespace="MicrosoftCompute",
        String="Label Name ProvisioningState",
        complex="Owner:UserAndRole",
        lists="GrantedToList:UserAndRole",
        navs="Resources>>CloudResource",
    ),
    declare(
        "CloudResource",
        "CloudResource",
        key="ResourceProviderNamespace",
        namespace="MicrosoftCompute",
        String="ResourceProviderNamespace",
        navs="VMRoles>>VMRole",
    ),
    declare(
        "VMRole",
        "VMRole",
        key="Name",
        namespace="MicrosoftCompute",
        String="Label Name ProvisioningState",
        complex=(
            "InstanceView:InstanceView ResourceConfiguration:ResourceConfiguration "
            "ResourceDefinition:VMRoleResourceDefinition Substate:Substate"
        ),
        navs="VMs>>VM",
    ),
    declare(
        "VM",
        "VM",
        key="Id",
        namespace="MicrosoftCompute",
        Guid="Id",
        String="ComputerName RuntimeState",
        lists="ConnectToAddresses:ConnectToAddress",
        navs="Disks>>VMRoleVMDisk Nics>>VMRoleVMNic",
    ),
    declare(
        "VMRoleVMDisk",
        "VMRoleVMDisk",
        key="Id",
        namespace="MicrosoftCompute",
        Guid="Id",
        String="DataVirtualHardDiskImage DiskDataFile",
        Int32="DiskLun",
        Int64="DiskSize",
    ),
    declare(
        "VMRoleVMNic",
        "VMRoleVMNic",
        key="Id",
        namespace="MicrosoftCompute",
        Guid="Id",
        String="NetworkAdapterName",
        lists="CurrentIpAddresses:String",
    ),
)
