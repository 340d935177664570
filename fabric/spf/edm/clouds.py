"""Clouds, who may use them, and the work done in them. 2012 R2 generation."""

from __future__ import annotations

from fabric.spf.edm.build import declare

SETS = (
    declare(
        "Clouds",
        "Cloud",
        key="ID StampId",
        Guid="ID StampId UserRoleID",
        String="Description Name WritableLibraryPath",
        DateTime="LastModifiedDate",
        navs=(
            "CapabilityProfiles>>CapabilityProfiles Capacity>>CloudCapacities "
            "LibraryShares>>LibraryShares LogicalNetworks>>LogicalNetworks "
            "QuotaAndUsageComponents>>QuotaAndUsageComponents"
        ),
    ),
    declare(
        "CloudCapacities",
        "CloudCapacity",
        key="CloudId StampId",
        Guid="CloudId StampId",
        Boolean=(
            "UseCPUCountMaximum UseCustomQuotaCountMaximum UseMemoryMBMaximum "
            "UseStorageGBMaximum UseVMCountMaximum"
        ),
        Int64="CPUCount CustomQuotaCount MemoryMB StorageGB VMCount",
    ),
    declare(
        "QuotaAndUsageComponents",
        "QuotaAndUsageComponent",
        key="ID QuotaDimension StampId",
        Guid="ID StampId UserRoleID",
        String="QuotaDimension",
        Int32="UserQuota UserRoleQuota UserRoleUsage! UserUsage!",
    ),
    declare(
        "UserRoles",
        "UserRole",
        key="ID",
        Guid="ID ParentUserRoleId VMId VMTemplateId",
        String="Description Name Profile UserRoleProfile",
        lists=(
            "AddCloudResourceExtension:UserRoleCloudResourceExtension AddMember:String "
            "AddResource:UserRoleResource AddScope:UserRoleScope "
            "CloudPermission:UserRoleCloudPermission "
            "CloudPermissionInput:UserRoleCloudPermissionInput Members:String "
            "Permission:String PermissionInput:UserRolePermission Quotas:UserRoleScope "
            "RemoveCloudResourceExtension:UserRoleCloudResourceExtension "
            "RemoveMember:String RemoveResource:UserRoleResource RemoveScope:UserRoleScope "
            "UserRoleDataPath:UserRoleDataPath VMNetworkQuota:VMNetworkQuota"
        ),
        navs="Clouds>>Clouds",
    ),
    declare(
        "RunAsAccounts",
        "RunAsAccount",
        key="ID StampId",
        Guid="ID StampId",
        String="Description Domain Name Password UserName",
        Boolean="Enabled NoValidation",
        DateTime="AddedTime ModifiedTime",
        complex="Owner:UserAndRole",
        lists="GrantedToList:UserAndRole",
    ),
    declare(
        "Jobs",
        "Job",
        key="ID StampId",
        Guid="CurrentStepId ID PROTipID ResultObjectID RootStepId StampId TargetObjectID",
        String=(
            "CmdletName Name Owner OwnerSID Password Progress ResultName ResultObjectType "
            "ResultObjectTypeName Source Status StatusString Target TargetObjectType "
            "UserName"
        ),
        Boolean=(
            "AreAuditRecordsAvailable IsCompleted IsRestartable IsStoppable IsVisible "
            "SkipLastFailedStep StepsLoaded WasNotifiedOfCancel"
        ),
        Int32="ProgressValue",
        DateTime="EndTime StartTime",
        complex="Description:JobDescription ErrorInfo:ErrorInfo",
        lists="AdditionalMessages:ErrorInfo",
        navs="Steps>>JobSteps",
    ),
    declare(
        "JobSteps",
        "JobStep",
        key="JobId Number StampId",
        Guid="JobId StampId",
        String="HostName Message Name Status StatusString",
        Int32="Attempt Number ProgressValue",
        DateTime="EndTime StartTime",
    ),
    declare(
        "BasicStatistics",
        "BasicStatistics",
        key="ID",
        Guid="ID",
        Int32=(
            "Clouds! ServiceDeployments! ServiceDeploymentsNotRunning! "
            "ServiceDeploymentsRequiringAttention! ServiceVMs! StandaloneVMs! "
            "VMsNotRunning! VMsRequiringAttention!"
        ),
    ),
)
