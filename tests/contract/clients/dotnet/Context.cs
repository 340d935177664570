// The doors a scenario goes through. Each scenario has an object of its own, so nothing is
// answered from what an earlier one has seen.
using System;
using System.Collections.Generic;
using System.Data.Services.Client;
using System.Linq;
using System.Net;

public partial class Scenarios
{
    private readonly Dictionary<string, string> given;
    private readonly Guid stamp;

    public Scenarios(Dictionary<string, string> given)
    {
        this.given = given;
        stamp = new Guid(given["stamp"]);
    }

    private static void Say(string name, object value)
    {
        Program.Say(name, value);
    }

    private DataServiceContext Tenant()
    {
        return Open("VMM/" + given["tenant"]);
    }

    private DataServiceContext Administrator()
    {
        return Open("VMM");
    }

    private DataServiceContext Admin()
    {
        return Open("Admin");
    }

    private DataServiceContext Open(string door)
    {
        var root = given["server"] + "/SC2012R2/" + door + "/Microsoft.Management.Odata.svc";
        var context = new DataServiceContext(new Uri(root));
        context.Credentials = new NetworkCredential(given["account"], given["password"]);
        // What every user of SPF sets: its entities have more properties than a program declares.
        context.IgnoreMissingProperties = true;
        context.SendingRequest += (sender, sending) =>
            sending.RequestHeaders["x-ms-principal-id"] = given["principal"];
        return context;
    }

    private static DataServiceQuery<VirtualMachine> Machines(DataServiceContext context)
    {
        return context.CreateQuery<VirtualMachine>("VirtualMachines");
    }

    private VirtualMachine Machine(DataServiceContext context, string id)
    {
        var wanted = new Guid(id);
        return Machines(context).Where(m => m.ID == wanted && m.StampId == stamp).Single();
    }

    private VMCheckPoint CheckPoint(DataServiceContext context, string id)
    {
        var wanted = new Guid(id);
        return context.CreateQuery<VMCheckPoint>("VMCheckPoints")
            .Where(p => p.ID == wanted && p.StampId == stamp).Single();
    }

    private static UserRole Role(DataServiceContext context, string id)
    {
        var wanted = new Guid(id);
        return context.CreateQuery<UserRole>("UserRoles").Where(r => r.ID == wanted).Single();
    }

    private static void Save(DataServiceContext context, SaveChangesOptions options)
    {
        foreach (var answer in context.SaveChanges(options))
        {
            Say("status", answer.StatusCode);
            string job;
            if (answer.Headers.TryGetValue("x-ms-request-id", out job)) Say("job", job);
        }
    }
}
