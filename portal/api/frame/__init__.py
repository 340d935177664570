"""What every noun of the REST interface shares: who asks, how it is asked, how it is answered."""
