// What a .NET program declares of SPF's entities: the properties it cares for, in the types of
// $metadata. Collections of values came after the protocol this library speaks, so none are here.
using System;
using System.Collections.ObjectModel;
using System.Data.Services.Common;

[DataServiceKey("ID", "StampId")]
public class VirtualMachine
{
    public Guid ID { get; set; }
    public Guid StampId { get; set; }
    public Guid? CloudId { get; set; }
    public Guid? VMTemplateId { get; set; }
    public Guid? VMId { get; set; }
    public Guid? MostRecentTaskId { get; set; }
    public string Name { get; set; }
    public string Description { get; set; }
    public string Tag { get; set; }
    public string Status { get; set; }
    public string StatusString { get; set; }
    public string Operation { get; set; }
    public string LocalAdminPassword { get; set; }
    public byte? CPUCount { get; set; }
    public int? Memory { get; set; }
    public long? TotalSize { get; set; }
    public bool? StartVM { get; set; }
    public bool? DynamicMemoryEnabled { get; set; }
    public DateTime? CreationTime { get; set; }
    public DateTime? ModifiedTime { get; set; }
    public UserAndRole Owner { get; set; }
    public Cloud Cloud { get; set; }
    public Collection<VirtualNetworkAdapter> VirtualNetworkAdapters { get; set; }
    public Collection<VMCheckPoint> VMCheckpoints { get; set; }

    public VirtualMachine()
    {
        VirtualNetworkAdapters = new Collection<VirtualNetworkAdapter>();
        VMCheckpoints = new Collection<VMCheckPoint>();
    }
}

public class UserAndRole
{
    public string UserName { get; set; }
    public string RoleName { get; set; }
    public Guid? RoleID { get; set; }
}

[DataServiceKey("ID", "StampId")]
public class VirtualNetworkAdapter
{
    public Guid ID { get; set; }
    public Guid StampId { get; set; }
    public Guid? VMId { get; set; }
    public string MACAddress { get; set; }
    public string VMNetworkName { get; set; }
}

[DataServiceKey("ID", "StampId")]
public class VMCheckPoint
{
    public Guid ID { get; set; }
    public Guid StampId { get; set; }
    public Guid? VMId { get; set; }
    public string Name { get; set; }
    public string Description { get; set; }
    public string VMCheckPointAction { get; set; }
    public DateTime? AddedTime { get; set; }
}

[DataServiceKey("ID", "StampId")]
public class Cloud
{
    public Guid ID { get; set; }
    public Guid StampId { get; set; }
    public string Name { get; set; }
}

[DataServiceKey("ID", "StampId")]
public class VMTemplate
{
    public Guid ID { get; set; }
    public Guid StampId { get; set; }
    public string Name { get; set; }
    public byte? CPUCount { get; set; }
    public bool? Enabled { get; set; }
}

[DataServiceKey("ID")]
public class UserRole
{
    public Guid ID { get; set; }
    public string Name { get; set; }
    public string Description { get; set; }
    public string Profile { get; set; }
    public string UserRoleProfile { get; set; }
    public Collection<Cloud> Clouds { get; set; }

    public UserRole()
    {
        Clouds = new Collection<Cloud>();
    }
}

[DataServiceKey("ID")]
public class Stamp
{
    public Guid ID { get; set; }
    public string Name { get; set; }
}

[DataServiceKey("ID")]
public class Tenant
{
    public Guid ID { get; set; }
    public Guid? SubscriptionID { get; set; }
    public string Name { get; set; }
    public Collection<Stamp> Stamps { get; set; }

    public Tenant()
    {
        Stamps = new Collection<Stamp>();
    }
}
