// A user of SPF with Microsoft's own OData client, told on its standard input what to do.
//
// A line is the name of a scenario and its arguments, parted by tabs. The answer is lines of a
// name and a value, and a line with a full stop; a fault is a line for each exception, the
// outermost first, whose name begins with "!".
using System;
using System.Collections.Generic;
using System.Data.Services.Client;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Security.Cryptography.X509Certificates;
using Mono.Security.Interface;

public static class Program
{
    public static void Main(string[] settings)
    {
        var given = settings.Select(each => each.Split(new[] { '=' }, 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);
        // The only authority this process trusts; chain, name and dates are the library's to check.
        var trusted = new X509CertificateCollection();
        trusted.Add(new X509Certificate(given["authority"]));
        MonoTlsSettings.DefaultSettings.TrustAnchors = trusted;

        string line;
        while ((line = Console.In.ReadLine()) != null)
        {
            var words = line.Split('\t');
            try
            {
                var scenario = typeof(Scenarios).GetMethod(words[0]);
                scenario.Invoke(new Scenarios(given), words.Skip(1).ToArray());
            }
            catch (TargetInvocationException wrapper)
            {
                for (var fault = wrapper.InnerException; fault != null; fault = fault.InnerException)
                    Say("!" + fault.GetType().Name, Status(fault) + fault.Message);
            }
            Console.Out.WriteLine(".");
            Console.Out.Flush();
        }
    }

    public static void Say(string name, object value)
    {
        var text = Convert.ToString(value, CultureInfo.InvariantCulture);
        Console.Out.WriteLine(name + "\t" + text.Replace("\r", "").Replace("\n", " "));
    }

    private static string Status(Exception fault)
    {
        var told = fault as DataServiceClientException;
        return told == null ? "" : told.StatusCode + " ";
    }
}
