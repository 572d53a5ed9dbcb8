insert into prediction by name
select * from incoming_prediction
