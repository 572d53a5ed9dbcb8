insert into chain_link values (?)
