"""OData 2.0/3.0 as Microsoft's Service Provider Foundation speaks it. No sockets, no Django.

Departures from the standard, all seen in SPF or its clients: unknown members and options are
ignored; absent and null are kept apart in bodies; Edm.DateTime has an offset and seven fractional
digits; null complex values are written as objects of nulls; names in URLs match in any case;
literals compare loosely (`Name eq 123` finds the text "123").
"""
