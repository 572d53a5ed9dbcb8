-- The chain as it is.
select line from chain_link order by rowid
