#!/bin/bash
echo "Box office: deploying"
echo "1/3 looking at the services"
echo "2/3 applying migrations"
echo "3/3 starting containers"
echo "Done"
