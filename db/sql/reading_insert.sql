insert or replace into answer_reading by name
select * from incoming_reading
