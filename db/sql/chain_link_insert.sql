-- In the order of the list.
insert into chain_link select unnest(?)
